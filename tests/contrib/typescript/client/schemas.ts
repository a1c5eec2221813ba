// What zod.ts returns is what schema.d.ts has.
import type { components, operations } from "./schema";
import * as zod from "./zod";

type S = components["schemas"];
type Out<T extends { parse(value: unknown): unknown }> = ReturnType<T["parse"]>;
declare function fits<To, From extends To>(): [To, From];

fits<S["ProductOut"], Out<typeof zod.ProductOut>>();
fits<S["ProductDetail"], Out<typeof zod.ProductDetail>>();
fits<S["CategoryOut"], Out<typeof zod.CategoryOut>>();
fits<S["OrderOut"], Out<typeof zod.OrderOut>>();
fits<Out<typeof zod.OrderOut>, S["OrderOut"]>();
fits<S["ReviewOut"], Out<typeof zod.ReviewOut>>();
fits<S["CustomerOut"], Out<typeof zod.CustomerOut>>();
fits<S["RatingRow"], Out<typeof zod.reportsWatchRatingsItem>>();
fits<S["StockRow"][], Out<(typeof zod.reportsStockAnswers)[200]>>();
fits<Out<(typeof zod.productsGetAnswers)[404]>, S["Problem"]>();
fits<operations["login"]["responses"][200]["content"]["application/json"], Out<(typeof zod.authLoginAnswers)[200]>>();
const body: Out<typeof zod.productsUploadImageBody> = { image: new Blob([]) };
export const image: Blob = body.image;
// @ts-expect-error the name is a text
fits<{ name: number }, Out<typeof zod.CategoryOut>>();
