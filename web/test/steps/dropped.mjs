/** Lets a file fall on the page. */
export async function dropped(page, name, content) {
  const given = await page.evaluateHandle(
    ([called, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], called));
      return data;
    },
    [name, content],
  );
  await page.dispatchEvent(".surface", "drop", { dataTransfer: given });
}
