"""Whatever ffmpeg's libraries read and write, through PyAV, which is imported when the first such file comes.

A media file has tracks of sound among other streams. `probe` says what is there, `decode` reads one audio track as a
stream of blocks on the file's clock, `codecs` and `containers` choose how a track is written again, `encode` turns
blocks into packets, and `writer` puts them beside copies of all that isn't enhanced.
"""
