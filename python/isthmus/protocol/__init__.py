"""Two-party protocols as sans-I/O machines: messages in, messages out, no sockets."""
