import sys

from clipgen_engine.cli.main import main

sys.exit(main())
