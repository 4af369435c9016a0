"""Array mathematics: arrays in, arrays out. No session, no files, no clock."""
