// What an own back office does with the providers, against a live server; the compiler reads it too.
import { adminStoreCategory, adminStoreProduct } from "./api";
import { bearer, configure } from "./client";
import { reactAdminProvider } from "./react-admin";
import { refineProvider } from "./refine";

declare const process: { argv: string[] };

function same(given: unknown, expected: unknown) {
  if (JSON.stringify(given) !== JSON.stringify(expected))
    throw new Error(`${JSON.stringify(given)} is not ${JSON.stringify(expected)}`);
}
async function failure(call: Promise<unknown>): Promise<any> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was refused");
}

configure({ baseUrl: process.argv[2] ?? "", auth: bearer(() => "root") });
const models = { product: adminStoreProduct, category: adminStoreCategory };

async function typed() {
  const made = await adminStoreCategory.create({ body: { name: "Lamps" } });
  if (!made.ok || !made.data.object) throw new Error(JSON.stringify(made));
  const id: number = made.data.object.id;
  const product = await adminStoreProduct.create({
    body: { name: "Arc", price: "10.50", category: id, kind: "lamp", reviews: [{ stars: 4 }] },
  });
  if (!product.ok) throw new Error(JSON.stringify(product.error));
  const stars: number | null | undefined = product.data.object?.reviews?.[0]?.stars;
  same(stars, 4);
  // @ts-expect-error - a field that the form does not have
  void (() => adminStoreCategory.create({ body: { name: "x", nonsense: 1 } }));
  // @ts-expect-error - a kind that is no choice
  void (() => adminStoreProduct.change({ path: { id: 1 }, body: { kind: "tree" } }));
  return id;
}

async function refine(category: number) {
  const provider = refineProvider(models);
  const { data: made } = await provider.create({ resource: "product", variables: { name: "Bow", price: 2, category } });
  const listed = await provider.getList({
    resource: "product",
    pagination: { currentPage: 1, pageSize: 1 },
    sorters: [{ field: "name", order: "desc" }],
    filters: [{ field: "price", operator: "gte", value: 1 }],
  });
  same([listed.total, listed.data.map((each) => each.name)], [2, ["Bow"]]);
  same((await provider.getMany({ resource: "product", ids: [made.id] })).data.length, 1);
  const { data: read } = await provider.getOne({ resource: "product", id: made.id });
  same(read.category, { id: category, label: "Lamps" });
  await adminStoreProduct.change({ path: { id: made.id }, body: { stock: 9 } });
  const late = await failure(provider.update({ resource: "product", id: made.id, variables: { stock: 1 } }));
  same(late.statusCode, 412);
  await provider.getOne({ resource: "product", id: made.id });
  const refused = await failure(provider.update({ resource: "product", id: made.id, variables: { price: "x", note: "n" } }));
  same([refused.statusCode, Object.keys(refused.errors)], [422, ["note"]]);
  same((await provider.update({ resource: "product", id: made.id, variables: { stock: 1 } })).data.stock, 1);
  await provider.deleteOne({ resource: "product", id: made.id });
}

async function reactAdmin(category: number) {
  const provider = reactAdminProvider(models);
  const { data: made } = await provider.create("product", { data: { name: "Cap", price: 3, category: { id: category } } });
  const { data: previousData } = await provider.getOne("product", { id: made.id });
  const { data } = await provider.update("product", { id: made.id, data: { ...previousData, name: "Cup" }, previousData });
  same([data.name, data.note], ["Cup", ""]);
  const refused = await failure(provider.update("product", { id: made.id, data: { ...data, price: "x" }, previousData: data }));
  same([refused.status, Object.keys(refused.body.errors)], [422, ["price"]]);
  const listed = await provider.getList("product", {
    pagination: { page: 1, perPage: 10 },
    sort: { field: "price", order: "ASC" },
    filter: { q: "Cup" },
  });
  same(listed.total, 1);
  const of = await provider.getManyReference("product", { target: "category", id: category });
  same(of.total, 2);
  await provider.deleteMany("product", { ids: [made.id] });
  same((await provider.getList("product", {})).total, 1);
}

async function main() {
  const category = await typed();
  await refine(category);
  await reactAdmin(category);
  console.log("passed");
}

void main();
