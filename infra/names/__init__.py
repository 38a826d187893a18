"""How the names model is made: word lists, synthetic text, training, and its quality. Not part of the package."""
