"""Generated YAML: in the order that it was said in, and without anchors, so that people can read it."""

import yaml


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, _data: object) -> bool:
        return True


def yaml_text(content: object) -> str:
    """Give the text of a document."""
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, width=200, allow_unicode=True)
