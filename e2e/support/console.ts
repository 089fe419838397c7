/** A page that complains has failed, whatever else it shows. */
import { expect, type Page } from "@playwright/test";

/** Collects what the page complains of; the function that comes back expects that there was nothing. */
export function watchConsole(page: Page): () => void {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return () => expect(complaints, "complaints on the page's console").toEqual([]);
}
