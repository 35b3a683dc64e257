import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rephase.audio.fifo import SampleQueue


@given(st.lists(st.integers(0, 9), max_size=20), st.data())
def test_samples_come_out_in_the_order_they_went_in(lengths, data):
    queue = SampleQueue(channels=2, dtype=np.float64)
    stream = np.arange(2 * sum(lengths), dtype=np.float64).reshape(2, -1)
    taken, start = [np.zeros((2, 0))], 0
    for length in lengths:
        queue.append(stream[:, start : start + length])
        start += length
        taken.append(queue.take(data.draw(st.integers(0, len(queue)))))
    taken.append(queue.take())
    assert len(queue) == 0
    np.testing.assert_array_equal(np.concatenate(taken, axis=1), stream)
