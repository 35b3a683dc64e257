"""Standard input and output as a user's shell joins them."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from rephase.audio.pcm import PcmFormat, read_wav_header, wav_header

from .audio.media.conftest import Sound, film

STEREO = PcmFormat(44100, 2, "s16le")


@pytest.fixture
def talk(example_audio):
    samples, rate = soundfile.read(example_audio / "hallway.degraded.flac", dtype="int16")
    return samples, rate


@pytest.fixture
def pipe(identity_model):
    def run(*arguments, given=b"", **options):
        line = [sys.executable, "-m", "rephase", "enhance", *map(str, arguments), "--model", str(identity_model)]
        return subprocess.run(line, input=given, capture_output=True, timeout=120, check=False, **options)

    return run


def wav(samples, rate, channels=1):
    return wav_header(PcmFormat(rate, channels, "s16le")) + samples.astype("<i2").tobytes()


def test_wav_in_wav_out_and_nothing_else(pipe, talk):
    samples, rate = talk
    done = pipe("-", "-o", "-", "--strength", "0", given=wav(samples, rate))
    assert done.returncode == 0
    assert done.stdout == wav(samples, rate)
    assert b"-> -" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_raw_samples_stay_raw(pipe, talk):
    content = np.random.default_rng(0).integers(-9000, 9000, 20_000).astype(">i2").tobytes()
    raw = ("--raw-rate", "22050", "--raw-format", "s16be", "--raw-channels", "2", "--strength", "0")
    assert pipe("-", *raw, given=content).stdout == content
    with_header = pipe("-", *raw, "--format", "wav", given=content).stdout
    assert with_header[:4] == b"RIFF"
    assert with_header[44:] == np.frombuffer(content, ">i2").astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("channels", "extra", "told"),
    [(1, 1, b"the last byte is left out: a sample of 1 channel (s16le)"), (3, 4, b"the last 4 bytes are left out")],
)
def test_bytes_that_are_no_whole_sample_are_told(pipe, channels, extra, told):
    content = np.zeros(3000, "<i2").tobytes()
    raw = ("--raw-rate", "16000", "--raw-channels", channels, "--strength", "0")
    done = pipe("-", *raw, given=content + bytes(extra))
    assert (done.returncode, done.stdout) == (0, content)
    assert b"\n-: " + told in done.stderr
    assert pipe("-", *raw, given=content).stderr.count(b"\n") == 1


def test_the_model_runs_in_the_middle(pipe, talk, tmp_path):
    samples, rate = talk
    done = pipe("-", given=wav(samples, rate))
    out = np.frombuffer(done.stdout[44:], "<i2")
    np.testing.assert_allclose(out, samples, atol=2)


def test_a_file_goes_in_and_one_comes_out(pipe, talk, tmp_path):
    samples, rate = talk
    soundfile.write(tmp_path / "a.flac", samples, rate)
    assert pipe(tmp_path / "a.flac", "-o", "-", "--strength", "0").stdout == wav(samples, rate)
    done = pipe("-", "-o", tmp_path / "b.flac", "--strength", "0", given=wav(samples, rate))
    assert done.returncode == 0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "b.flac", dtype="int16")[0], samples)
    done = pipe("-", "-o", tmp_path / "b.flac", given=wav(samples, rate))
    assert done.returncode == 2
    assert b"the output exists already" in done.stderr


def test_a_film_goes_into_a_pipe(pipe, tmp_path):
    source = film(tmp_path / "a.mp4", Sound("aac", 44100, "stereo"))
    done = pipe(source, "-o", "-")
    pcm, _ = read_wav_header(io.BytesIO(done.stdout))
    assert pcm == STEREO
    assert len(done.stdout) - 44 >= 3 * 44100 * 4


@pytest.mark.parametrize(
    ("arguments", "given", "reason"),
    [
        (("-",), b"", "nothing came through the pipe"),
        (("-",), b"OggS" + bytes(100), "is no WAV"),
        (("-", "--raw-rate", "16000"), b"", "no samples came through the pipe"),
        (("-", "--raw-rate", "1"), b"1234", "--raw-rate must be"),
        (("-", "-o", "-", "--format", "flac"), b"RIFF", "ended within its header"),
        (("-", "missing.wav"), b"", "a pipe holds one recording"),
        (("-", "-o", "/no/such/folder/a.wav"), wav_header(STEREO) + bytes(400), "the output folder doesn't exist"),
        (("missing.wav", "-o", "-"), b"", "there is no such file"),
    ],
)
def test_mistakes_are_one_line_and_leave_stdout_empty(pipe, arguments, given, reason):
    done = pipe(*arguments, given=given)
    assert (done.returncode, done.stdout) == (2, b"")
    assert reason.encode() in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("- -o - <&-", b"rephase: standard input is closed; -; pipe a recording in, or name a file\n"),
        ("a.wav -o - >&-", b"rephase: standard output is closed; -; name a file (-o clean.wav), or pipe the result on"),
        ("a.wav -o - <&- > b.wav", b"a.wav -> -  (1.0 s"),
        ("- -o b.wav < a.wav >&-", b""),
    ],
)
def test_a_closed_stream_is_missed_only_where_it_is_used(identity_model, tmp_path, arguments, reason):
    (tmp_path / "a.wav").write_bytes(wav(np.ones(16000), 16000))
    line = f"{sys.executable} -m rephase enhance --model {identity_model} --strength 0 {arguments}"
    done = subprocess.run(line, shell=True, stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path, check=False)
    assert done.stderr.startswith(reason)
    assert done.stderr.count(b"\n") == bool(reason)
    assert done.returncode == (2 if b"closed" in reason else 0)
    assert (tmp_path / "b.wav").exists() == (done.returncode == 0)


def test_who_stops_reading_ends_it_quietly(identity_model, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((3_000_000, 1), np.int16), 16000)
    line = f"{sys.executable} -m rephase enhance a.wav -o - --strength 0 --model {identity_model}"
    process = subprocess.Popen(line.split(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    process.stdout.read(1000)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 141


def test_samples_come_out_while_more_go_in(identity_model):
    """Bounded delay: with chunks of ten seconds, twelve seconds in bring the first ones out."""
    line = [sys.executable, "-m", "rephase", "enhance", "-", "--raw-rate", "16000", "--model", str(identity_model)]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(np.random.default_rng(0).integers(-900, 900, 12 * 16000).astype("<i2").tobytes())
    process.stdin.flush()
    assert len(process.stdout.read(16000)) == 16000
    process.stdin.close()
    assert len(process.stdout.read()) == 12 * 32000 - 16000
    assert process.wait(timeout=60) == 0


# Not by getrusage: there a process takes over the peak of the one that started it.
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_stream(identity_model):
    def peak(seconds):
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from rephase.audio.pcm import PcmFormat\n"
            "from rephase.batch import Settings\n"
            "from rephase.enhancer import Enhancer\n"
            "from rephase.pipes import enhance_pipe\n"
            "enhancer = Enhancer.from_pretrained(sys.argv[1])\n"
            "settings = Settings.of(enhancer)\n"
            "raw = PcmFormat(48000, 2, 's16le')\n"
            "enhance_pipe(enhancer, Path('-'), Path('-'), settings, stdin=sys.stdin.buffer,\n"
            "             stdout=open('/dev/null', 'wb'), raw=raw)\n"
            "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0], file=sys.stderr)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(identity_model)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        second = np.random.default_rng(0).integers(-900, 900, 96_000).astype("<i2").tobytes()
        for _ in range(seconds):
            process.stdin.write(second)
        process.stdin.close()
        return int(process.stderr.read())

    assert peak(150) < 1.15 * peak(30)


@pytest.mark.parametrize("name", ["out.mp3", "out.flac", "out.m4a"])
def test_a_pipe_into_a_file(pipe, talk, tmp_path, name):
    samples, rate = talk
    done = pipe("-", "-o", tmp_path / name, given=wav(samples, rate))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).stat().st_size > 1000


def test_a_start_beyond_the_end_of_a_pipe_is_told(pipe, talk, tmp_path):
    samples, rate = talk
    done = pipe("-", "-o", tmp_path / "out.wav", "--start", "100", given=wav(samples, rate))
    assert done.returncode == 2
    assert b"the part begins at 100 s, but the recording ends at 4.000 s" in done.stderr
    assert not (tmp_path / "out.wav").exists()


def test_late_sound_of_a_film_keeps_its_place_in_a_pipe(pipe, tmp_path):
    late = film(tmp_path / "late.mkv", Sound("flac", 48000, start=2.0, sample_format="s16"))
    done = pipe(late, "-o", "-", "--strength", "0")
    assert done.returncode == 0
    sound = np.frombuffer(done.stdout[44:], "<i2")
    assert len(sound) == 5 * 48000
    assert not sound[: 2 * 48000].any()
    assert sound[2 * 48000 :].any()


def test_a_pipe_that_ends_early_is_told(pipe):
    content = bytearray(wav_header(STEREO) + bytes(STEREO.frame_bytes * STEREO.sample_rate))
    content[-STEREO.frame_bytes * STEREO.sample_rate - 4 : -STEREO.frame_bytes * STEREO.sample_rate] = (
        2 * STEREO.frame_bytes * STEREO.sample_rate
    ).to_bytes(4, "little")
    done = pipe("-", "-o", "-", given=bytes(content))
    assert done.returncode == 0
    assert b"the header says it holds 2.000 s, but 1.000 s came" in done.stderr
