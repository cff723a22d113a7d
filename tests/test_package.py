def test_package_imports():
    import fiberscope

    assert fiberscope.__doc__
