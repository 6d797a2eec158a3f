#!/usr/bin/env bash
# Draw docs/images/page.png, the picture in the README, from the page that `make demo` writes.
# It needs Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p docs/images
"${CHROMIUM:-chromium}" --headless --no-sandbox --hide-scrollbars --window-size=1100,1800 \
    --screenshot=docs/images/page.png "file://$PWD/metrics/demo.html"
