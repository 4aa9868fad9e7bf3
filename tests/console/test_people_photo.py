"""Photos of people in the console."""

from io import BytesIO

from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.support.console import Console


def _picture() -> FilePayload:
    """A picture, twice as wide as high: red at the left, blue at the right."""
    picture = Image.new("RGB", (800, 400), "red")
    picture.paste("blue", (400, 0, 800, 400))
    file = BytesIO()
    picture.save(file, "PNG")
    return {"name": "face.png", "mimeType": "image/png", "buffer": file.getvalue()}


def _add(console: Console, last_name: str) -> int:
    with console.api() as api:
        return int(api.post("/api/3/people", json={"first_name": "Fay", "last_name": last_name}).json()["id"])


def _photo(console: Console, person: int) -> Image.Image:
    with console.api() as api:
        address = api.get(f"/api/3/people/{person}").json()["image_url"]
        return Image.open(BytesIO(api.get(address).content)).convert("RGB")


def test_a_photo_is_cropped_with_the_keys_kept_as_a_square_and_removed(console: Console) -> None:
    person = _add(console, "Photo")
    with console.page() as page:
        page.goto(f"/console/people/{person}/photo")
        page.get_by_label("Photo", exact=True).set_input_files(_picture())
        canvas = page.get_by_role("application", name="Part of the picture that is kept")
        expect(canvas).to_be_visible()
        canvas.focus()
        for _ in range(20):
            page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Save the photo").click()
        expect(page.get_by_role("status").first).to_contain_text("The photo of Fay Photo was saved.")
        kept = _photo(console, person)
        assert kept.size == (512, 512)
        red, _, blue = kept.getpixel((500, 256))  # type: ignore[misc]
        assert (red > 200, blue < 100) == (True, True), "all of it is from the left half"
        face = page.locator("img.face-lg")
        expect(face).to_be_visible()
        assert face.evaluate("image => image.naturalWidth") == 256
        page.goto(f"/console/people/{person}/photo")
        page.get_by_role("button", name="Remove the photo").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove the photo").click()
        expect(page.locator("span.face-lg")).to_have_text("FP")


def test_a_photo_is_kept_as_it_is_without_scripts_and_what_is_none_is_refused(console: Console) -> None:
    person = _add(console, "Plain")
    with console.page() as page:
        page.goto("/console/sites")
    with console.page(java_script_enabled=False) as page:
        page.goto(f"/console/people/{person}/photo")
        text: FilePayload = {"name": "face.png", "mimeType": "image/png", "buffer": b"no picture"}
        page.get_by_label("Photo", exact=True).set_input_files(text)
        page.get_by_role("button", name="Save the photo").click()
        expect(page.get_by_role("alert")).to_contain_text("is not a PNG, JPEG or WebP image")
        page.get_by_label("Photo", exact=True).set_input_files(_picture())
        page.get_by_role("button", name="Save the photo").click()
        expect(page.get_by_role("status").first).to_contain_text("was saved")
        assert _photo(console, person).size == (800, 400)
