"""The one error that users are meant to read."""


class ContractError(ValueError):
    """A table, file, configuration or model is not what the code was promised.

    The message names the thing, the value, what was expected and what to do. Jobs print it as
    one line and stop before the first task.
    """
