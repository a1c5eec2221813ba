// Next runs this in the browser, before a page does anything.
import { connect } from "./browser";

connect();
