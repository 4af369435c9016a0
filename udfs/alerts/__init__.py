"""Alert packets: from the bytes of a message to arrays that the networks read."""
