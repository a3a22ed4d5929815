"""Statement formats, one module or folder each, joined in ``registry``."""
