"""What goes wrong: the exceptions to raise, the problems people see, and the way from one to the other."""
