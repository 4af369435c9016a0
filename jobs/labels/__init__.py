"""From catalogues of classified stars to the table of labels."""
