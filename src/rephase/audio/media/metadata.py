"""Tags of a media file and of its streams: what goes from a recording into its result."""

from typing import TYPE_CHECKING, Any

from rephase.audio.tags import with_mark

if TYPE_CHECKING:
    from rephase.audio.media.writer import MediaPlan

# What the container of the source said about itself, which its copy says anew.
OF_THE_CONTAINER = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "software", "duration", "number_of_frames",
    "number_of_bytes", "bps", "_statistics_writing_app", "_statistics_writing_date_utc", "_statistics_tags",
    "wm/encodingtime", "wmfsdkversion", "wmfsdkneeded", "isvbr", "devicename", "deviceconformancetemplate",
}  # fmt: skip
FFMPEG_NAMES = {"tracknumber": "track"}  # of libsndfile's tags


def container_tags(source: Any, plan: "MediaPlan", options: dict[str, str]) -> dict[str, str]:
    """Tags of the whole result.

    Args:
        source: the opened source, or None where it is none that ffmpeg's libraries read.
        plan: what goes into the result.
        options: of the muxer; gets what the tags ask for.

    Returns:
        Tags by ffmpeg's names, with what made the result.
    """
    tags = {FFMPEG_NAMES.get(name, name): value for name, value in plan.tags.items()}
    if source is not None:
        tags = dict(source.metadata)
        for stream in source.streams.audio[:1]:
            if source.format.name == "ogg":  # its tags belong to the track
                tags |= dict(stream.metadata)
    tags = {name: value for name, value in tags.items() if not _of_the_container(name)}
    muxer = plan.tracks[0][1].container.muxer
    if muxer in ("mp4", "mov", "3gp", "3g2") and any(name.startswith("com.") for name in tags):
        options["movflags"] = "use_metadata_tags"  # where a phone keeps place and model
    if plan.made_by:
        comment = next((name for name in tags if name.lower() == "comment"), "comment")
        tags[comment] = with_mark(tags.get(comment, ""), plan.made_by)
    return tags


def stream_tags(stream: Any) -> dict[str, str]:
    """Tags of one stream.

    Args:
        stream: of the source.

    Returns:
        Those that are still true of its copy.
    """
    return {name: value for name, value in stream.metadata.items() if not _of_the_container(name)}


def _of_the_container(name: str) -> bool:
    plain = name.lower()
    return plain in OF_THE_CONTAINER or any(plain.startswith(f"{known}-") for known in ("bps", "duration", "number_of"))
