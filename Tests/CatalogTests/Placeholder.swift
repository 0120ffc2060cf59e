// replaced by the real tests
