"""`python -m clipgen_gui`"""

import sys

from clipgen_gui.app import main

sys.exit(main())
