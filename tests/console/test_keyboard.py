"""A working day with the keyboard alone: nobody touches the mouse."""

from playwright.sync_api import Page, expect

from tests.support.console import Console

_MOST_STOPS = 250
_NAME = """
() => {
  const found = document.activeElement;
  if (!found || found === document.body) return "";
  const labels = [...(found.labels ?? [])].map((label) => label.textContent).join(" ");
  const name = found.getAttribute("aria-label") ?? (labels || found.textContent || found.value || "");
  return name.replace(/\\s+/g, " ").trim();
}
"""


def stop_at(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus, which must be seen there."""
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate(_NAME).startswith(name):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
            assert outline != "none" or shadow != "none", f"one cannot see that {name} has the focus"
            return
    raise AssertionError(f"{name} cannot be reached with Tab on {page.url}")


def press(page: Page, name: str, key: str = "Enter") -> None:
    stop_at(page, name)
    page.keyboard.press(key)


def write(page: Page, name: str, text: str) -> None:
    stop_at(page, name)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def go(page: Page, letter: str, heading: str) -> None:
    """Type "g" and a letter."""
    page.keyboard.press("g")
    page.keyboard.press(letter)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_a_day_of_an_operator_goes_without_a_mouse(console: Console) -> None:
    front = console.ids("channels")["Front door"]
    console.installation.json("door", "open", front)
    with console.page() as page, console.api() as api:
        # Past what all pages have.
        page.goto("/console")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#content")

        # Whoever forced the door is seen to.
        go(page, "a", "Alarms")
        press(page, "Acknowledge")
        expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
        console.installation.json("door", "close", front)

        # A door is opened, held unlocked, locked down and let go again.
        go(page, "d", "Doors")
        press(page, "Front door")
        expect(page.get_by_role("heading", level=1)).to_have_text("Front door")
        press(page, "Open now")
        expect(page.get_by_role("status").filter(has_text="Opened at")).to_be_visible()
        press(page, "Lock down")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        press(page, "Lock down")
        press(page, "Lock down")
        expect(page.get_by_role("button", name="Lift the lockdown")).to_be_visible()
        press(page, "Lift the lockdown")
        expect(page.get_by_role("button", name="Lift the lockdown")).to_have_count(0)

        # Somebody is found by typing.
        page.keyboard.press("/")
        page.keyboard.type("rosalind")
        expect(page.get_by_role("link", name="Rosalind Franklin").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Rosalind Franklin")

        # Somebody new gets a card.
        go(page, "p", "People")
        press(page, "Add a person")
        page.wait_for_url("**/people/new")
        write(page, "First name", "Sally")
        write(page, "Last name", "Ride")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sally Ride")
        found = api.get("/api/3/people", params={"per_page": 500}).json()
        assert "Sally" in [each["first_name"] for each in found]

        # Light and dark.
        page.wait_for_load_state()
        press(page, "Your account")
        press(page, "Dark")
        expect(page.locator("html[data-bs-theme=dark]")).to_have_count(1)

        # And home.
        page.wait_for_load_state()
        press(page, "Your account")
        press(page, "Sign out")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
