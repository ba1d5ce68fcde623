"""Run the command line as `python -m lessonplan`."""

from lessonplan.cli import console

if __name__ == "__main__":
    console()
