"""The clock of a file that was joined from others: where it starts anew, it goes on from where it was.

Streams of a camera or a broadcast are often joined end to end, each with times from its own beginning. When a stream
goes back by more than a second, what follows begins where the longest stream has ended. The streams of a file reach
the seam at different packets, so each changes over by itself, to the same new offset. Sound and picture are read at
different times, but both through this clock, with all packets of the file in their order, so both get the same times.
"""

from typing import Any

RESET_SECONDS = 1


class SourceClock:
    """Puts right the times of a file's packets; all of them must come through, in the file's order.

    Attributes:
        resets: how often the clock started anew.
    """

    def __init__(self) -> None:
        self.resets = 0
        self._newest = 0.0  # the offset that holds from the latest seam on, s
        self._now = 0.0  # time of the latest packet that has that offset
        self._offsets: dict[int, float] = {}
        self._last: dict[int, float] = {}  # time of each stream's latest packet
        self._before: dict[int, float] = {}  # and of the one before it
        self._ends: dict[int, float] = {}  # and where it ends

    def put_right(self, packet: Any) -> None:
        """Changes a packet's times, where the clock has started anew before it.

        Args:
            packet: the next of the file.
        """
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None or not packet.time_base:
            return
        tick = float(packet.time_base)
        time = stamp * tick
        offset = self._offset(packet.stream_index, time)
        stream, now = packet.stream_index, time + offset
        self._before[stream], self._last[stream] = self._last.get(stream, now), now
        self._ends[stream] = now + (packet.duration or 0) * tick
        if offset == self._newest:
            self._now = now
        ticks = round(offset / tick)
        if ticks:  # floats hold a microsecond in a century
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def _offset(self, stream: int, time: float) -> float:
        offset = self._offsets.get(stream, self._newest)
        if offset != self._newest and abs(time + self._newest - self._now) < abs(time + offset - self._now):
            offset = self._newest
        elif stream in self._last and time + offset < min(self._last[stream], self._before[stream]) - RESET_SECONDS:
            # Before both of the latest two: if before one of them alone, that one had a wrong time.
            self.resets += 1
            offset = self._newest = max(self._ends.values()) - time
        self._offsets[stream] = offset
        return offset
