// The photo of an item: what a file field offers, how it is shown before it is stored, and how it is stored.
import { itemsRemovePhoto, itemsReplacePhoto } from "./api/api";

/** `accept` of the file field. The API looks at the content. */
export const PHOTO_TYPES = "image/jpeg,image/png,image/webp";

/** Return the file as a `data:` URL, which the policy of the pages allows in an image; `blob:` it does not. */
export function previewOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** Store another photo, or remove the one that the item has. `show` gets the percentage that is sent. */
export function savePhoto(item_id: number, photo: File | null, show: (percent: number) => void) {
  if (!photo) return itemsRemovePhoto({ path: { item_id } });
  return itemsReplacePhoto({
    path: { item_id },
    body: { photo },
    onUploadProgress: (sent, total) => show(total ? Math.round((100 * sent) / total) : 0),
  });
}
