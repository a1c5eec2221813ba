// A data provider for react-admin over the typed client: reactAdminProvider({ products: adminStoreProduct }).
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
  runAction: Call;
}
export type Key = string | number;
interface ListParams {
  pagination?: { page: number; perPage: number };
  sort?: { field: string; order: "ASC" | "DESC" };
  filter?: any;
}

/** What react-admin shows of an error: a message, and one at each input. */
function refuse({ status, error }: Answer): never {
  const message: string = error?.detail ?? error?.title ?? "No response";
  const errors: Record<string, any> = {};
  for (const { pointer, detail } of error?.errors ?? []) {
    const name = pointer.replace(/^#\/body\/?/, "").replaceAll("/", ".");
    if (name) errors[name] = detail;
    else errors.root = { serverError: detail };
  }
  throw Object.assign(new Error(message), { name: "HttpError", status, body: { message, errors } });
}

/** The fields of a record that differ from what was read: the others may be read only. */
function changes(data: any, previous: any = {}) {
  const differs = (name: string) => JSON.stringify(data[name]) !== JSON.stringify(previous[name]);
  return Object.fromEntries(Object.keys(data).filter(differs).map((name) => [name, data[name]]));
}

export function reactAdminProvider(models: Record<string, Model>) {
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
  const list = async (resource: string, query: Record<string, unknown>) => {
    const answer = await model(resource).list({ query });
    return answer.ok ? { data: answer.data.items as any[], total: answer.data.count as number } : refuse(answer);
  };
  const change = async (resource: string, id: Key, body: any) => {
    const etag = etags.get(`${resource}/${id}`);
    const answer = await model(resource).change({ path: { id }, body, headers: etag ? { "If-Match": etag } : {} });
    return noted(resource, id, answer).object ?? { id };
  };
  const pageOf = ({ pagination, sort, filter }: ListParams) => ({
    ...filter,
    page: pagination?.page ?? 1,
    ...(pagination && { page_size: pagination.perPage }),
    ...(sort && sort.field !== "id" && { o: (sort.order === "DESC" ? "-" : "") + sort.field }),
  });
  return {
    getList: (resource: string, params: ListParams) => list(resource, pageOf(params)),
    getMany: (resource: string, { ids }: { ids: Key[] }) =>
      list(resource, { pk__in: ids.join(","), page_size: Math.max(ids.length, 1) }),
    getManyReference: (resource: string, params: ListParams & { target: string; id: Key }) =>
      list(resource, { ...pageOf(params), [params.target]: params.id }),
    async getOne(resource: string, { id }: { id: Key }) {
      return { data: noted(resource, id, await model(resource).retrieve({ path: { id } })) };
    },
    async create(resource: string, { data }: { data: any }) {
      const answer = await model(resource).create({ body: data });
      return answer.ok ? { data: answer.data.object ?? {} } : refuse(answer);
    },
    async update(resource: string, { id, data, previousData }: { id: Key; data: any; previousData?: any }) {
      return { data: await change(resource, id, changes(data, previousData)) };
    },
    async updateMany(resource: string, { ids, data }: { ids: Key[]; data: any }) {
      for (const id of ids) await change(resource, id, data);
      return { data: ids };
    },
    async delete(resource: string, { id, previousData }: { id: Key; previousData?: any }) {
      const answer = await model(resource).delete({ path: { id } });
      etags.delete(`${resource}/${id}`);
      return answer.ok ? { data: previousData ?? { id } } : refuse(answer);
    },
    async deleteMany(resource: string, { ids }: { ids: Key[] }) {
      const answer = await model(resource).runAction({
        path: { action: "delete_selected" },
        body: { ids, confirm: true },
      });
      return answer.ok ? { data: ids } : refuse(answer);
    },
  };
}
