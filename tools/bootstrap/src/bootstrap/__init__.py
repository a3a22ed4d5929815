"""Installs the workspace's tools into ignored folders, with nothing but the standard library."""
