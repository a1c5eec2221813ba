// A data provider for refine over the typed client: refineProvider({ products: adminStoreProduct }).
// Written by `manage.py matt_admin_provider`; it is yours to change.

type Answer = { ok: boolean; status: number; data?: any; error?: any; response?: Response };
type Call = (options: any) => Promise<Answer>;
/** The object of a model in `api.ts`. */
export interface Model {
  list: Call;
  create: Call;
  retrieve: Call;
  change: Call;
  delete: Call;
}
export type Key = string | number;
export interface Sorter {
  field: string;
  order: "asc" | "desc";
}
export interface Filter {
  field: string;
  operator: string;
  value: any;
}
interface ListParams {
  resource: string;
  pagination?: { currentPage?: number; current?: number; pageSize?: number };
  sorters?: Sorter[];
  filters?: Filter[];
}
interface OneParams {
  resource: string;
  id: Key;
}

const LOOKUPS: Record<string, string> = {
  eq: "",
  lt: "__lt",
  gt: "__gt",
  lte: "__lte",
  gte: "__gte",
  in: "__in",
  contains: "__icontains",
  containss: "__contains",
  startswith: "__istartswith",
  endswith: "__iendswith",
  null: "__isnull",
};

function lookups(filters: Filter[] = []): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { field, operator, value } of filters) {
    const lookup = LOOKUPS[operator];
    if (lookup === undefined) throw new Error(`The admin has no filter for the operator "${operator}".`);
    if (value == null || value === "") continue;
    found[field + lookup] = operator === "null" ? "True" : Array.isArray(value) ? value.join(",") : value;
  }
  return found;
}

/** What refine shows of an error: a message, and one for each field. */
function refuse({ status, error }: Answer): never {
  const errors: Record<string, string[]> = {};
  for (const { pointer, detail } of error?.errors ?? []) {
    const name = pointer.replace(/^#\/body\/?/, "").replaceAll("/", ".");
    (errors[name] ??= []).push(detail);
  }
  throw Object.assign(new Error(error?.detail ?? error?.title ?? "No response"), { statusCode: status, errors });
}

export function refineProvider(models: Record<string, Model>, apiUrl = "") {
  /** The state in which an object was read: a change of another user is then a 412. */
  const etags = new Map<string, string>();
  const model = (name: string): Model => {
    const found = models[name];
    if (!found) throw new Error(`There is no model for the resource "${name}".`);
    return found;
  };
  const noted = (resource: string, id: Key, answer: Answer) => {
    if (!answer.ok) return refuse(answer);
    const etag = answer.response?.headers.get("ETag");
    if (etag) etags.set(`${resource}/${id}`, etag);
    return answer.data;
  };
  return {
    getApiUrl: () => apiUrl,
    async getList({ resource, pagination, sorters, filters }: ListParams) {
      const query = {
        ...lookups(filters),
        page: pagination?.currentPage ?? pagination?.current ?? 1,
        ...(pagination?.pageSize && { page_size: pagination.pageSize }),
        ...(sorters?.length && { o: sorters.map(({ field, order }) => (order === "desc" ? "-" : "") + field).join(",") }),
      };
      const answer = await model(resource).list({ query });
      return answer.ok ? { data: answer.data.items as any[], total: answer.data.count as number } : refuse(answer);
    },
    async getMany({ resource, ids }: { resource: string; ids: Key[] }) {
      const answer = await model(resource).list({ query: { pk__in: ids.join(","), page_size: Math.max(ids.length, 1) } });
      return answer.ok ? { data: answer.data.items as any[] } : refuse(answer);
    },
    async getOne({ resource, id }: OneParams) {
      return { data: noted(resource, id, await model(resource).retrieve({ path: { id } })) };
    },
    async create({ resource, variables }: { resource: string; variables?: any }) {
      const answer = await model(resource).create({ body: variables });
      return answer.ok ? { data: answer.data.object ?? {} } : refuse(answer);
    },
    async update({ resource, id, variables }: OneParams & { variables?: any }) {
      const etag = etags.get(`${resource}/${id}`);
      const headers = etag ? { "If-Match": etag } : {};
      const answer = await model(resource).change({ path: { id }, body: variables, headers });
      return { data: noted(resource, id, answer).object ?? {} };
    },
    async deleteOne({ resource, id }: OneParams) {
      const answer = await model(resource).delete({ path: { id } });
      etags.delete(`${resource}/${id}`);
      return answer.ok ? { data: { id } as any } : refuse(answer);
    },
  };
}
