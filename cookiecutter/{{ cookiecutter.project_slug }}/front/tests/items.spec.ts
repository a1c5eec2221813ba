import { expect, type Page, test } from "@playwright/test";

const { BASE_URL = "http://127.0.0.1:8000", SESSION = "" } = process.env;
{%- if cookiecutter.__password %}
const { EMAIL = "", PASSWORD = "" } = process.env;
{%- endif %}
{%- if cookiecutter.__passkey %}
const { PASSKEY = "", PASSKEY_EMAIL = "" } = process.env;
{%- endif %}

/** A gray image of one pixel. */
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

/** Fail for each message of the console that is an error, but for responses that a test asks for. */
function watch(page: Page) {
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (400|409|422)/.test(message.text()))
      errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  return errors;
}

async function start(page: Page) {
  await page.context().addCookies([{ name: "sessionid", value: SESSION, url: BASE_URL }]);
  await page.goto("/");
}

test("a visitor reads, searches and turns pages", async ({ page }) => {
  const errors = watch(page);
  const response = await page.goto("/");
  expect(response?.headers()["content-security-policy"]).toContain("default-src 'self'");
  await expect(page.getByRole("status")).toHaveText("12 items");
  await expect(page.getByRole("row")).toHaveCount(11);
  await page.getByRole("navigation", { name: "Pages" }).getByText("Next").click();
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.goBack();
  await expect(page.getByRole("row")).toHaveCount(11);
  await page.getByLabel("Search").fill("lamp 07");
  await expect(page.getByRole("status")).toHaveText("1 item");
  await expect(page).toHaveURL(/search=lamp\+07/);
  await page.reload();
  await expect(page.getByRole("rowheader")).toHaveText("Lamp 07");
  await expect(page.getByRole("link", { name: "New item" })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test("staff creates, edits and deletes, and each error is at its field", async ({ page }) => {
  const errors = watch(page);
  await start(page);
  await page.getByRole("link", { name: "New item" }).click();
  await page.getByLabel("Price").fill("a lot");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Name")).toBeFocused();
  await expect(page.getByLabel("Name")).toHaveAccessibleDescription(/at least 1/);
  await expect(page.getByLabel("Price")).toHaveAccessibleDescription(/./);
  await expect(page.getByLabel("Price")).toHaveValue("a lot");
  await page.getByLabel("Name").fill("Lamp 00");
  await page.getByLabel("Price").fill("9.90");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".error")).not.toHaveCount(0);
  await page.getByLabel("Name").fill("Arc lamp");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("13 items");
  await page.getByRole("link", { name: "Arc lamp" }).click();
  await page.getByLabel("Price").fill("8.50");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: /Arc lamp/ })).toContainText("8.50");
  await page.getByRole("link", { name: "Arc lamp" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("status")).toHaveText("12 items");
  expect(errors).toEqual([]);
});

test("a photo is shown before it is sent, stored, replaced and removed", async ({ page }) => {
  const errors = watch(page);
  await start(page);
  const photo = page.locator("form img");
  const field = page.getByLabel("Photo", { exact: true });
  const png = { name: "lamp.png", mimeType: "image/png", buffer: Buffer.from(PIXEL, "base64") };
  await page.getByRole("link", { name: "New item" }).click();
  await page.getByLabel("Name").fill("Floor lamp");
  await page.getByLabel("Price").fill("9.90");
  await field.setInputFiles({ ...png, buffer: Buffer.from("no image") });
  await page.getByRole("button", { name: "Save" }).click();
  await expect(field).toHaveAccessibleDescription(/JPEG/);
  await field.setInputFiles(png);
  await expect(photo).toHaveAttribute("src", /^data:/);
  await page.getByRole("button", { name: "Save" }).click();
  // It was stored once, without its photo, when the photo was refused.
  const row = page.getByRole("row", { name: "Floor lamp" });
  await expect(row).toHaveCount(1);
  await expect(row.locator("img")).toHaveJSProperty("naturalWidth", 1);
  await page.getByRole("link", { name: "Floor lamp" }).click();
  await expect(photo).toHaveAttribute("src", /^\/media\//);
  await page.getByRole("button", { name: "Remove photo" }).click();
  await expect(photo).toHaveCount(0);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row).toHaveCount(1);
  await expect(row.locator("img")).toHaveCount(0);
  await page.getByRole("link", { name: "Floor lamp" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("status")).toHaveText("12 items");
  expect(errors).toEqual([]);
});

test("what others change is shown without a reload", async ({ page, browser }) => {
  const errors = watch(page);
  const context = await browser.newContext({ baseURL: BASE_URL });
  const other = await context.newPage();
  await page.goto("/?search=live");
  await expect(page.getByRole("status")).toHaveText("0 items");
  await start(other);
  await other.getByRole("link", { name: "New item" }).click();
  await other.getByLabel("Name").fill("A live lamp");
  await other.getByLabel("Price").fill("1.00");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("rowheader")).toHaveText("A live lamp");
  await other.getByRole("link", { name: "A live lamp" }).click();
  await other.getByLabel("Price").fill("2.00");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: /A live lamp/ })).toContainText("2.00");
  await other.getByRole("link", { name: "A live lamp" }).click();
  await other.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("status")).toHaveText("0 items");
  await context.close();
  expect(errors).toEqual([]);
});

test("who is signed in signs out", async ({ page }) => {
  const errors = watch(page);
  // A link into the middle of the site, which only the router of the front end knows.
  await page.context().addCookies([{ name: "sessionid", value: SESSION, url: BASE_URL }]);
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading")).toHaveText("Page not found");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  // allauth answers with 401 when a session ends, and a server that renders pages with 404 for the page that is none.
  expect(errors.filter((error) => !/status of 40[14]/.test(error))).toEqual([]);
});
{%- if cookiecutter.__password %}

test("a password signs in, and a wrong one does not", async ({ page }) => {
  const errors = watch(page);
  await page.goto("/sign-in");
  await page.getByLabel(/address/).fill(EMAIL);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.locator(".error").first()).toBeVisible();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("link", { name: EMAIL })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: "New item" })).toBeVisible();
  expect(errors).toEqual([]);
});
{%- endif %}
{%- if cookiecutter.__passkey %}

test("a passkey signs in, and one that the site does not know does not", async ({ page }) => {
  const errors = watch(page);
  const device = await page.context().newCDPSession(page);
  await device.send("WebAuthn.enable");
  const { authenticatorId } = await device.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  const credential = JSON.parse(PASSKEY);
  const unknown = { ...credential, credentialId: Buffer.from("unknown").toString("base64") };
  await page.goto("/sign-in");
  await device.send("WebAuthn.addCredential", { authenticatorId, credential: unknown });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  // Next has an alert of its own beside the page.
  await expect(page.getByRole("main").getByRole("alert")).toHaveText(/./);
  await device.send("WebAuthn.clearCredentials", { authenticatorId });
  await device.send("WebAuthn.addCredential", { authenticatorId, credential });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("link", { name: PASSKEY_EMAIL })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: PASSKEY_EMAIL })).toBeVisible();
  expect(errors).toEqual([]);
});
{%- endif %}
