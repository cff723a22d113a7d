"""Reading images: MNIST, PNG files, folders, npz."""
