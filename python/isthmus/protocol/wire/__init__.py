"""Wire messages: one .proto file per protocol, and the modules generated from it."""
