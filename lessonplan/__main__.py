"""Run the command line as `python -m lessonplan`."""

import sys

from lessonplan.cli import main

if __name__ == "__main__":
    sys.exit(main())
