"""What goes with what: data with sources, and its typed loader."""
