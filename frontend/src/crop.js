// A photo is cut to a square by whoever chooses it: dragged with the pointer or moved with the keys, brought closer.
// What is sent in its place is that square as a JPEG; where this cannot be, the file is sent as it is.
const SIDE = 512;
const STEP = 12;

export function mount(form) {
  const input = form.querySelector('input[type="file"]');
  const cropper = form.querySelector("[data-cropper]");
  const canvas = cropper.querySelector("canvas");
  const zoom = cropper.querySelector('input[type="range"]');
  const pen = canvas.getContext("2d");
  let picture = null;
  let name = "photo";
  const middle = { x: 0, y: 0 }; // of the square, in the picture's pixels

  const side = () => Math.min(picture.width, picture.height) / Number(zoom.value);

  function draw(target = pen, size = canvas.width) {
    const half = side() / 2;
    middle.x = Math.min(Math.max(middle.x, half), picture.width - half);
    middle.y = Math.min(Math.max(middle.y, half), picture.height - half);
    target.imageSmoothingQuality = "high";
    target.fillStyle = "#ffffff";
    target.fillRect(0, 0, size, size);
    target.drawImage(picture, middle.x - half, middle.y - half, half * 2, half * 2, 0, 0, size, size);
  }

  function move(x, y) {
    const scale = side() / canvas.width;
    middle.x += x * scale;
    middle.y += y * scale;
    draw();
  }

  input.addEventListener("change", async () => {
    const [file] = input.files;
    picture?.close?.();
    picture = null;
    cropper.hidden = true;
    if (!file) return;
    try {
      picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      return; // the server says what is wrong with it
    }
    name = file.name.replace(/\.[^.]*$/, "") || "photo";
    middle.x = picture.width / 2;
    middle.y = picture.height / 2;
    zoom.value = "1";
    cropper.hidden = false;
    draw();
  });

  zoom.addEventListener("input", () => draw());
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const shown = canvas.width / canvas.clientWidth;
    move(-event.movementX * shown, -event.movementY * shown);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    closer(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (moves[event.key]) move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") closer(1);
    else if (event.key === "-") closer(-1);
    else return;
    event.preventDefault();
  });

  function closer(direction) {
    zoom.value = String(Number(zoom.value) + direction * 0.1);
    draw();
  }

  form.addEventListener("submit", (event) => {
    if (!picture) return;
    event.preventDefault();
    const square = document.createElement("canvas");
    square.width = square.height = SIDE;
    draw(square.getContext("2d"), SIDE);
    square.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], `${name}.jpg`, { type: "image/jpeg" }));
      input.files = files.files;
      form.submit();
    }, "image/jpeg", 0.9);
  });
}
