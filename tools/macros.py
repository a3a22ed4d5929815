"""BUILD file macros: the anatomy of a package, said once.

Every package has three BUILD files of one line each or little more: at its root (`package`, `service_package`), in
`src/<package>/` (`package_sources`) and in `tests/` (`package_tests`). Names that nothing here defines, such as
`python_sources`, are symbols of Pants.
"""

# Distributions whose import name is neither their own name nor known to Pants, which wants hashable values here.
MODULES = (
    ("argon2-cffi", ("argon2",)),
    ("google-re2", ("re2",)),
    ("pyspark-client", ("pyspark",)),
    ("python-multipart", ("python_multipart", "multipart")),
)


def package(*libraries, requirements=True, tests_also=(), binary_also=()):
    """Declare a package's requirements and what it may depend on: itself and the sources of the named libraries.

    A third-party import that only another package declares resolves to that package's requirement target, which the
    rules deny: whoever imports something declares it.
    """
    if requirements:
        # Pants refuses this target for a package whose `dependencies` are empty.
        python_requirements(name="reqs", source="pyproject.toml", module_mapping=dict(MODULES))
    files(name="documents", sources=["*.md", "openapi.json", "pyproject.toml"])
    allowed = ["/**", "//3rdparty/**", *[f"//libs/{library}/src/**" for library in libraries]]
    _rules(
        ({"path": "/src/**"}, "!/tests/**", *allowed, "!*"),
        ({"path": "/tests/**"}, *allowed, "//docs/**", *tests_also, "!*"),
        ({"type": "pex_binary"}, *allowed, *binary_also, "!*"),
        ({"type": "docker_image"}, *allowed, "!*"),
        ("*", *allowed, "!*"),
    )


def _rules(*rules):
    try:
        __dependencies_rules__(*rules)
    except NameError:
        # The graph is drawn without the backend of visibility: to show a forbidden import, not to refuse it.
        return


def service_package(*libraries, embeds=(), tests_also=()):
    """Declare a service: a package, a PEX and an image that run it.

    `embeds` names the services that it runs in its process.
    """
    name = build_file_dir().name
    embedded = _sources_of(embeds)
    others = [f"{address}/**" for address in embedded]
    package("config", "api_common", *libraries, tests_also=[*others, *tests_also], binary_also=others)
    # Migrations and resources are found by name at run time, not by an import.
    sources = [f"./src/{name}", "//libs/api_common/src/api_common", *embedded]
    started = {
        "entry_point": f"{name}.main:run",
        "dependencies": sources,
        "execution_mode": "venv",
        "include_tools": True,
    }
    # The one that embeds the others is the whole platform in one file.
    pex_binary(name=name, output_path="purser.pex" if embeds else None, **started)
    # The two layers of the image, and the image; `make package` leaves them out, as they want a container engine.
    pex_binary(name="distributions", include_sources=False, tags=["image"], **started)
    pex_binary(name="modules", include_requirements=False, tags=["image"], **started)
    docker_image(
        name="image",
        repository="purser" if embeds else f"purser-{name.replace('_', '-')}",
        tags=["image"],
    )


def package_sources(without=(), requires=()):
    """Declare all modules below this folder, and every other file as a resource that travels with them.

    `requires` names requirements of the package that nothing imports, because they are named in a text.
    """
    excluded = [f"!{pattern}" for pattern in without]
    requirements = [f"//{build_file_dir().parent.parent}:reqs#{name}" for name in requires]
    resources(name="resources", sources=["**/*", "!**/*.py", "!**/*.pyc", "!**/BUILD", *excluded])
    python_sources(sources=["**/*.py", *excluded], dependencies=[":resources", *requirements])


def package_tests(*third_party, embeds=(), dependencies=(), variables=()):
    """Declare a package's tests, with the files beside them and the package's documents.

    `third_party` names requirements that the tests import and the package itself does not declare; their versions come
    from the lock. `embeds` names services that the tests start, `variables` what they may see of the environment.
    """
    folder = build_file_dir().parent
    needed = [f"//{folder}:documents", f"//{folder}/src/{folder.name}", *dependencies]
    if folder.parent.name == "services":
        needed += SERVICE_FIXTURES
    _tests(str(folder), third_party, [*needed, *_sources_of(embeds)], variables)


def workspace_tests(*third_party, services=(), dependencies=(), variables=()):
    """Declare the tests that cross packages; they start the named services and may read what they like."""
    _tests("tests", third_party, [*SERVICE_FIXTURES, *_sources_of(services), *dependencies], variables)


# The pytest plugin is named by a string, and migrations run modules of api_common that nothing imports.
SERVICE_FIXTURES = ("//libs/api_common/src/api_common", "//libs/api_common/src/api_common/testing")


def _sources_of(services):
    return [f"//services/{service}/src/{service}" for service in services]


def _tests(package, third_party, needed, variables=()):
    for requirement in third_party:
        python_requirement(name=requirement, requirements=[requirement], modules=dict(MODULES).get(requirement, ()))
    files(name="data", sources=["**/*", "!**/*.py", "!**/*.pyc", "!**/BUILD"])
    python_test_utils(name="support", sources=["**/*.py", "!**/test_*.py"], dependencies=[*needed, ":data"])
    python_tests(
        name="tests",
        sources=["**/test_*.py"],
        # All of them: an example of a page may need one that no test imports.
        dependencies=[*needed, ":data", ":support", *(f":{requirement}" for requirement in third_party)],
        extra_env_vars=variables,
        # One pytest process for the package: a process per file costs a second and a half each.
        batch_compatibility_tag=package,
    )
