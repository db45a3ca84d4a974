"""src/ to dist/: assets get a hash of their bytes into their names, so that they may be cached for a year."""

import hashlib
import pathlib
import shutil

here = pathlib.Path(__file__).parent
source, dist = here / "src", here / "dist"

shutil.rmtree(dist, ignore_errors=True)
(dist / "assets").mkdir(parents=True)
page = (source / "index.html").read_text(encoding="utf-8")
for path in (source / "app.js", source / "style.css"):
    data = path.read_bytes()
    name = f"{path.stem}-{hashlib.sha256(data).hexdigest()[:8]}{path.suffix}"
    (dist / "assets" / name).write_bytes(data)
    page = page.replace(f'"/{path.name}"', f'"/assets/{name}"')
(dist / "index.html").write_text(page, encoding="utf-8")
