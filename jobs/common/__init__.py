"""What every job shares: command line, configuration, session, tables, progress."""
