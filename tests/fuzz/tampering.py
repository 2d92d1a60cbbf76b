"""Ways to change a serialised message at random."""

from hypothesis import strategies as st


def flipped(data, draw):
    if not data:
        return b"\x08"
    position = draw(st.integers(0, min(len(data), 60) - 1))  # the fields lie in front of the bulk
    return data[:position] + bytes([data[position] ^ draw(st.integers(1, 255))]) + data[position + 1 :]


CHANGES = {
    "flip": flipped,
    "cut": lambda data, draw: data[: draw(st.integers(0, max(len(data) - 1, 0)))],
    "extend": lambda data, draw: data + draw(st.binary(min_size=1, max_size=40)),
    "replace": lambda data, draw: draw(st.binary(max_size=100)),
}
