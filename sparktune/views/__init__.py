"""What a person sees of a search: consumers of its events."""
