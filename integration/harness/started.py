"""What the fixtures give: starts things of one kind, and ends them when the test is over."""


class Started:
    """Called as `kind` is, behind `arguments`. Ends what it made in reverse."""

    def __init__(self, kind, *arguments):
        self._kind = kind
        self._arguments = arguments
        self._things = []

    def __call__(self, *args, **kwargs):
        thing = self._kind(*self._arguments, *args, **kwargs)
        self._things.append(thing)
        return thing

    def end(self):
        errors = []
        for thing in reversed(self._things):
            try:
                thing.end() if hasattr(thing, "end") else thing.close()
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)
        if errors:
            raise errors[0]


def started(kind, *arguments):
    """A fixture yields from it."""
    things = Started(kind, *arguments)
    yield things
    things.end()
