"""Which of the requirements on argv do the installed packages not meet? One a line; exit 2 for one that is no requirement."""
import importlib.metadata
import sys

try:
    from packaging.requirements import InvalidRequirement, Requirement
except ImportError:
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement


def is_met(requirement):
    if requirement.marker and not requirement.marker.evaluate():
        return True
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


for text in sys.argv[1:]:
    try:
        if not is_met(Requirement(text)):
            print(text)
    except InvalidRequirement:
        print(text)
        sys.exit(2)
