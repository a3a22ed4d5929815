"""The form in which texts are compared and searched."""
