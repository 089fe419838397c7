/** Gives tests the library as a bundler gives it to a page: its browser entry. */
import * as netchan from "netchan";

Object.assign(window, { netchan });
