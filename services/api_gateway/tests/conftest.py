pytest_plugins = ["api_common.testing"]
