// laid out below
