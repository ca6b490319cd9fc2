"""The `berth` command."""

from command.ending import give_up
from command.program import program
from settings import SettingsError


def main() -> None:
    """Run the command that the arguments name."""
    try:
        program()
    except SettingsError as error:
        give_up(error)


if __name__ == "__main__":
    main()
