"""OFX and QFX: version 1 (SGML) and version 2 (XML), read by one tolerant tokenizer."""
