import sys

from clipgen_engine.cli import main

sys.exit(main())
