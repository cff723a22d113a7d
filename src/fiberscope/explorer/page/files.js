// Asks the server for a file and hands it to the browser as a download.
import { make } from "./elements.js";

export function createFiles({ channel, trouble, news }) {
  function save(header, bytes) {
    const address = URL.createObjectURL(new Blob([bytes], { type: header.media }));
    const anchor = make("a", { href: address, download: header.name });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    news(`Saved ${header.name}.`);
  }

  return {
    /** `format` is png, apng, webp or npz. */
    download(format, states) {
      news("Making the file…", true);
      channel.ask({ type: "export", format, states }, (header, arrays) => {
        if (header.type === "file") save(header, arrays.bytes);
        else news("");
        if (header.type !== "file") trouble(header.message ?? "The connection was lost: ask for the file again.");
      });
    },
  };
}
