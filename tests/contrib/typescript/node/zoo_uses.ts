// The zoo's types, and what must be an error.
import { Level, Size, TaskStatus } from "./enums";
import type {
  Cat,
  CatInput,
  Counts,
  Dog,
  Everything,
  EverythingInput,
  Json,
  Node,
  operations,
  Page,
  record,
  Record2,
  TaskOut,
  Tree,
} from "./schema";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

is<Equal<Cat, { kind: "cat"; lives: number }>>();
is<Equal<Everything["pair"], [number, string]>>();
is<Equal<Everything["many"], number[]>>();
is<Equal<Everything["choice"], "a" | 1 | true | null>>();
is<Equal<Everything["by_letter"], { [key in "x" | "y"]?: number }>>();
is<Equal<Everything["counts"], { [key: string]: (number | null)[] }>>();
is<Equal<Everything["price"], string>>();
is<Equal<EverythingInput["price"], number | string>>();
is<Equal<Everything["size"], "small" | "large">>();
is<Equal<Everything["maybe"], number | null>>();
is<Equal<record["id"], number>>();
is<Equal<Record2["id"], string>>();
is<Equal<Page<Node>["items"], Node[]>>();
is<Equal<TaskOut["rank"], 1 | 9 | null>>();
is<Equal<operations["thing_upload"]["requestBody"]["content"]["multipart/form-data"]["file"], Blob>>();

export const json: Json = { a: [1, { b: null }] };
export const tree: Tree = { a: { b: "leaf" } };
export const size: Everything["size"] = Size.SMALL;
export const level: Everything["level"] = Level.HIGH;
export const task: TaskOut["status"] = TaskStatus.DONE;
export const counts: Counts = { label: "a", other: 1 };
export const cat: EverythingInput["pet"] = { kind: "cat" };
export const untagged: CatInput = {};

// @ts-expect-error: a function is no JSON
export const code: Json = () => 1;
// @ts-expect-error: a leaf is a text
export const leaf: Tree = { a: 1 };
// @ts-expect-error: other keys are numbers
export const wrong: Counts = { label: "a", other: true };
// @ts-expect-error: the tag tells the branch
export const tagless: EverythingInput["pet"] = { lives: 1 };
// @ts-expect-error: a dog has a name
export const dog: EverythingInput["pet"] = { kind: "dog" };
// @ts-expect-error: a pair has two
export const pair: Everything["pair"] = [1];
// @ts-expect-error: no such size
export const huge: Everything["size"] = "huge";
// @ts-expect-error: no such key
export const letter: Everything["by_letter"] = { z: 1 };

export function read(pet: Everything["pet"], node: Node): number | string {
  // @ts-expect-error: only a cat has lives
  void pet.lives;
  // @ts-expect-error: a child may be missing
  void node.children[0].name;
  if (pet.kind === "cat") return pet.lives;
  is<Equal<typeof pet, Dog>>();
  return pet.name;
}
