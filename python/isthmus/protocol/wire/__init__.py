"""Generated protobuf messages: the wire is public and versioned; see the ``.proto`` files beside them."""
